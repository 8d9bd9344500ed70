/** The error numbers that the modelled calls can give, by name. */
export type Errno =
  | 'EPERM'
  | 'ENOENT'
  | 'EINTR'
  | 'EBADF'
  | 'EAGAIN'
  | 'ENOMEM'
  | 'EACCES'
  | 'EFAULT'
  | 'EBUSY'
  | 'EEXIST'
  | 'ENODEV'
  | 'EINVAL'
  | 'ENOSPC'
  | 'ENOSYS'
  | 'EOVERFLOW'
  | 'EOPNOTSUPP'
  | 'EHWPOISON';

/** Linux numbers of {@link Errno} (x86-64 and arm64 agree on all of them). */
export const ERRNO_NUMBER: Readonly<Record<Errno, number>> = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  ENOSYS: 38,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  EHWPOISON: 133,
};

/**
 * A refusal by the kernel: an outcome, not an exception. `rule` names the rule that refused (spec file and
 * section, a colon, a few words); `numbers` are the values that decided, pages unless the name says otherwise.
 */
export class MmError {
  readonly errno: Errno;
  readonly rule: string;
  readonly numbers: Readonly<Record<string, number | string>> | undefined;

  constructor(errno: Errno, rule: string, numbers?: Readonly<Record<string, number | string>>) {
    this.errno = errno;
    this.rule = rule;
    this.numbers = numbers;
  }
}

/** What a modelled system call gives: a value (often 0 or a page number), or the refusal. */
export type SysResult = number | MmError;

/**
 * The refusal made last. One is always alive: when garbage is collected, the engine forgets the shape of objects of
 * which none is, and with it all code compiled for them.
 */
const kept: { refusal: MmError | null } = { refusal: null };

/** Makes a refusal. */
export function refuse(errno: Errno, rule: string, numbers?: Readonly<Record<string, number | string>>): MmError {
  const refusal = new MmError(errno, rule, numbers);
  kept.refusal = refusal;
  return refusal;
}

/** Whether a call was refused. */
export function isRefused(result: SysResult | null): result is MmError {
  return result instanceof MmError;
}
