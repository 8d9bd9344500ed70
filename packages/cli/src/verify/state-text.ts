import { type AnonVmaRow, type PageRow, type ProcessState, type VmaRow, isFolioRow } from '@vmakit/trace';

/** A mapping on one line: `16-24 rw-p off 16 anon 1 [1] ac sd`. */
export function vmaText(row: VmaRow): string {
  const [start, end, prot, pgoff, anonVma, chain, flags] = row;
  const links = chain === null ? '?' : chain.join(' ');
  const anon = anonVma === null ? 'unfaulted' : `anon ${anonVma} [${links}]`;
  const file = row.length === 9 ? ` file ${row[7]} anonoff ${row[8]}` : '';
  return `${start}-${end} ${prot} off ${pgoff} ${anon} ${flags ?? ''}${file}`.trimEnd();
}

/** A run of entries on one line: `16 x8 pte wads folio 1 off 16 anon 1 ae map 1/1`. */
export function pageText(row: PageRow): string {
  if (!isFolioRow(row)) {
    const [page, count, kind, bits] = row;
    return `${page} x${count} ${kind} ${bits}`.trimEnd();
  }
  const [page, count, level, bits, folio, order, index0, pgoff, anonVma, flags, mapcount, folioMapcount] = row;
  const large = order === 0 ? '' : ` order ${order} from ${index0}`;
  const anon = anonVma === null ? '' : ` anon ${anonVma}`;
  const where = `folio ${folio}${large} off ${pgoff}${anon}`;
  return `${page} x${count} ${level} ${bits} ${where} ${flags} map ${mapcount}/${folioMapcount}`;
}

/** An anon_vma on one line: `1 root 1 parent 1 children 1 active 1 refs 1 <- 0:16`. */
export function anonVmaText(row: AnonVmaRow): string {
  const [id, root, parent, children, active, refs, vmas] = row;
  const links = vmas.map(([p, start]) => `${p}:${start}`).join(' ');
  return `${id} root ${root} parent ${parent} children ${children} active ${active} refs ${refs} <- ${links}`;
}

/** Pages of a process in one line. */
export function mmText(process: ProcessState): string {
  if (process.mm === null) return '?';
  const [total, locked, data] = process.mm;
  return `total ${total}, locked ${locked}, data ${data}`;
}
