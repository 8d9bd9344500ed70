import { replayRecording } from './index.js';
const [,, kind, ...names] = process.argv;
for (const n of names) {
  const t = Date.now();
  try {
    const r = await replayRecording({ input: '/work/shared/traces/' + n, ...(kind === 'auto' ? {} : { prefer: kind as any }) });
    console.log(n.padEnd(18), r.recording.format, r.ok ? 'OK ' : 'BAD', 'div', r.divergences, 'lay', r.checks.endLayouts.matched + '/' + r.checks.endLayouts.total, 'mmap2', r.checks.mmap2.matched + '/' + r.checks.mmap2.total, 'res', r.checks.results.matched + '/' + r.checks.results.total, 'vmas', JSON.stringify(r.vmas), JSON.stringify(r.unknowable), r.snapshotsLeft.length ? 'LEFT ' + r.snapshotsLeft : '', r.events, ((Date.now() - t) / 1000).toFixed(2) + 's');
    if (process.env.V) { console.log(r.details.slice(0, +process.env.V)); console.log(JSON.stringify(r.layouts.filter((l) => !l.matched).map((l) => ({ ...l, differences: l.differences.slice(0, 3) })), null, 1)); }
  } catch (e) { console.log(n, 'THREW', (e as Error).stack!.split('\n').slice(0, 6).join('\n'), JSON.stringify((e as any).state)); }
}
