export {
  type ActivationLayer,
  activationLayers,
  type PerChannel,
  type PreluLayer,
  type SignLayer,
} from "./activation-layers.js";
export { type ChannelMaps, type FeatureMaps, featureMaps, type GreyMap } from "./feature-maps.js";
export { picturePage } from "./page.js";
export { type Distribution, type Picture, type PictureOptions, picture } from "./picture.js";
