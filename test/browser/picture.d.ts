export declare function picture(size: { readonly width: number; readonly height: number }): {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
};
