import { compareRecording } from '@vmakit/replay';
import { describe, expect, it } from 'vitest';
import { SHIFT, TROUBLE, WRONG, inPieces, narrow, plain, resultOf } from '../testing/results.js';
import { renderComparison } from './comparison-text.js';
import { renderReplay } from './replay-text.js';
import { table } from './table.js';

describe('the text of a replay', () => {
  it('says what was done, what merged, why the rest did not, and what was checked', async () => {
    expect(narrow(renderReplay(await resultOf(SHIFT)))).toMatchInlineSnapshot(`
      "shift.strace  strace, 4 lines, profile v6.18
      no page faults are recorded: writable anonymous memory is assumed to be touched at once (--assu…
      the recording does not name its kernel; it is taken to be like Linux 6.18

        processes      2
        calls          4  mmap 1, mremap 1, fork 1, munmap 1
        page faults    not recorded
        VMAs           start 0, peak 2, end 2
                       the peak is 0.0 % of vm.max_map_count 65,530
        merges         0  with the VMA before 0, behind 0, both 0
        splits         1
        tables moved   at PUD level 0, at PMD level 0, huge pages 0, single PTEs 2
        kernel memory  24.6 KiB  2 VMAs, 1 anon_vma, 2 chain links, 6 page tables

        process  program  VMAs at start  peak  end
              1  ?                    0     2    2
              2  ?                    2     2    0

      Neighbours left unmerged at the end: 1 pair, 1 of touched anonymous memory on both sides
              1  page-offset: the page offset does not go on: memory moved after it was touched, or a…
                   7ffff6ffe000-7ffff7000000 | 7ffff7000000-7ffff7002000  offset 0x7ffff7000, to go o…

      Checked against the recording
        ✓ results of calls         3 of 3
        - records of VMAs (MMAP2)  none recorded
        - layouts at the end       none recorded

      ✓ the model did what the kernel did
      "
    `);
  });

  it('shows what differs with the place in the recording and both sides', async () => {
    const text = plain(renderReplay(await resultOf(WRONG)));
    expect(text.slice(text.indexOf('Checked against'))).toMatchInlineSnapshot(`
      "Checked against the recording
        ✗ results of calls         1 of 2
        ✗ records of VMAs (MMAP2)  0 of 1
        - layouts at the end       none recorded
        ✗ shift.strace:5  process 1: record of the VMA at 0x7ffff7000000 (//anon)
            recorded length 0x3000, offset 0x7ffff7000000
            model    start 0x7ffff7000000, length 0x2000, offset 0x7ffff7000000
        ✗ shift.strace:9  process 1: munmap(address 0x7ffff7000000, length 0x1000)
            recorded EINVAL
            model    0x0

      ✗ 2 divergences from the recording
      "
    `);
  });

  it('shows what is not in the recording, and which lines could not be understood', async () => {
    const text = plain(renderReplay(await resultOf(TROUBLE)));
    expect(text.slice(text.indexOf('Checked against'))).toMatchInlineSnapshot(`
      "Checked against the recording
        ✓ results of calls         3 of 3
        - records of VMAs (MMAP2)  none recorded
        - layouts at the end       none recorded
        not in the recording, so not counted as different:
                1  memory mapped before the recording began
        1 line of the recording could not be understood:
          shift.strace:7: expected a PROT_ flag
            1 mmap(NULL, 8192, "<script>alert(1)</script>

      ✓ the model did what the kernel did
      "
    `);
  });

  it('says of a policy what it did, and that this is not what was recorded', async () => {
    const text = plain(renderReplay(await resultOf(SHIFT, { policy: 'relocate-anon', forceFlag: true })));
    expect(text).toContain('policy relocate-anon: what would have been, not what was recorded');
    expect(text).toContain('1 move relocated; 2 folios rewritten, 2 PTEs walked');
    expect(text).toContain('✓ as recorded, but for what was changed');
  });

  it('of a recording that tells nothing says that nothing was compared', async () => {
    const text = plain(renderReplay(await resultOf(['1 exit_group(0) = ?'])));
    expect(text).toContain('Neighbours left unmerged at the end: none');
    expect(text).toContain('✓ nothing in the recording to compare with');
  });

  it('ends in one line feed and has no spaces at the ends of lines', async () => {
    const text = plain(renderReplay(await resultOf(TROUBLE)));
    expect(text).toMatch(/[^\n]\n$/);
    expect(text).not.toMatch(/ \n/);
  });
});

describe('the text of a comparison', () => {
  it('puts the policies side by side', async () => {
    const request = { input: inPieces(SHIFT), name: 'shift.strace', forceFlag: true };
    const comparison = await compareRecording({ ...request, policies: ['none', 'relocate-anon'] });
    expect(plain(renderComparison(comparison))).toMatchInlineSnapshot(`
      "shift.strace  one recording under 2 policies, vm.max_map_count 65,530

                                   none  relocate-anon
        VMAs at peak                  2              1
        VMAs at the end               2              1
        merges gained                 0              1
        moves relocated               0              1
        relocations taken back        0              0
        folios rewritten              0              2
        PTEs walked for it            0              2
        tables moved, PUD level       0              0
        tables moved, PMD level       0              0
        huge pages moved              0              0
        PTEs moved                    2              2
        kernel objects saved          0              2
        kernel memory saved         0 B          259 B
        calls that no longer fail     0              0

      none
        ✓ results of calls         3 of 3
        - records of VMAs (MMAP2)  none recorded
        - layouts at the end       none recorded

      ✓ the model did what the kernel did

      relocate-anon
        ✓ results of calls         3 of 3
        - records of VMAs (MMAP2)  none recorded
        - layouts at the end       none recorded

      ✓ as recorded, but for what was changed
      "
    `);
  });
});

describe('a table', () => {
  it('has columns as wide as they need to be, titles only where there are some', () => {
    const rows = [
      ['a', '1'],
      ['long', '1,000'],
    ];
    expect(table([{ title: '' }, { title: '', align: 'right' }], rows)).toBe('  a         1\n  long  1,000');
    expect(plain(table([{ title: 'name' }, { title: 'n', align: 'right' }], rows)).split('\n')[0]).toBe(
      '  name      n',
    );
  });
});
