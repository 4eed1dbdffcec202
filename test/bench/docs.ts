import { readFileSync, writeFileSync } from 'node:fs';

/** Puts each text between `<!-- bench NAME -->` and the next `<!-- end -->`. The text around them is written by hand. */
export function fillDocs(path: string, texts: Readonly<Record<string, string>>): void {
  let page = readFileSync(path, 'utf8');
  for (const [name, text] of Object.entries(texts)) {
    const begin = `<!-- bench ${name} -->\n`;
    const from = page.indexOf(begin);
    const to = page.indexOf('<!-- end -->', from);
    if (from === -1 || to === -1) throw new Error(`${path} has no place for ${name}`);
    page = `${page.slice(0, from + begin.length)}\n${text.trim()}\n\n${page.slice(to)}`;
  }
  writeFileSync(path, page);
}
