/** Lets a page draw and answer. */
export const breath = () => new Promise((resolve) => setTimeout(resolve));
