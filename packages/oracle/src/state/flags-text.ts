import {
  VM_EXEC,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  type VmFlags,
  smapsFlagNames,
} from '@vmakit/base';

/** What the protection says, and the "may" flags. */
const SAID_ELSEWHERE = VM_READ | VM_WRITE | VM_EXEC | VM_SHARED | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_MAYSHARE;

/** The flags of a mapping as scenarios write them (golden/FORMAT.md "State", `flags`). */
export function flagsText(flags: VmFlags): string {
  return smapsFlagNames(flags, SAID_ELSEWHERE).join(' ');
}
