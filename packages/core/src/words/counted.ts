/** 1 -> "1 image", 60000 -> "60,000 images"; "1 class", "2 classes"; "1 batch", "2 batches", but "2 epochs". */
export function counted(number: number, noun: string): string {
  const many = /(s|x|[^o]ch|sh)$/.test(noun)
    ? `${noun}es`
    : /[^aeiou]y$/.test(noun)
      ? `${noun.slice(0, -1)}ies`
      : `${noun}s`;
  return `${number.toLocaleString("en-US")} ${number === 1 ? noun : many}`;
}
