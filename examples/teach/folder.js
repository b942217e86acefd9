/** Pictures of a folder that holds a folder for each name: [name, file] each. */
export function picturesIn(files) {
  return [...files].flatMap((file) => {
    const name = file.webkitRelativePath.split("/").at(-2);
    return file.type.startsWith("image/") ? [[name, file]] : [];
  });
}

/** The same of what is dropped. */
export async function droppedPictures({ items }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry());
  return (await Promise.all(entries.map((entry) => walk(entry)))).flat();
}

async function walk(entry, name = "") {
  if (!entry) return [];
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return file.type.startsWith("image/") ? [[name, file]] : [];
  }
  const inside = await Promise.all(
    (await entriesOf(entry.createReader())).map((one) => walk(one, entry.name)),
  );
  return inside.flat();
}

/** A reader gives a hundred at a time. */
async function entriesOf(reader) {
  const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  return some.length ? [...some, ...(await entriesOf(reader))] : [];
}
