import { type FileKind, MappedFile } from '@vmakit/folio';
import type { MmEnvironment } from '../environment.js';

/** A file that the kernel makes for itself, already unlinked: shared anonymous memory, hugetlb memory, an aio ring. */
export function makeFile(env: MmEnvironment, kind: FileKind, sizePages: number, name: string): MappedFile {
  const id = env.nextFileId++;
  const hugePageOrder = kind === 'hugetlb' ? env.arch.pmdOrder : 0;
  const file = new MappedFile({ id, kind, sizePages, name, hugePageOrder, device: '00:01', deleted: true });
  env.files.set(id, file);
  return file;
}
