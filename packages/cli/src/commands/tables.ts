import { dumpTables, renderDump } from '@vmakit/pagetable';
import { type Scenario, readScenarios } from '@vmakit/trace';
import { ScenarioMachine, perform } from '@vmakit/verify';
import { Command, InvalidArgumentError } from 'commander';
import { UsageError } from '../exit-codes.js';

interface PageInterval {
  readonly start: number;
  readonly end: number;
}

interface TablesOptions {
  readonly name?: string;
  readonly at?: number;
  readonly proc: number;
  readonly range?: PageInterval;
  readonly arch?: string;
  readonly json?: boolean;
}

/** `vmakit tables`: the page tables of a scenario's process after some operation. */
export function tablesCommand(): Command {
  return new Command('tables')
    .description('Run a scenario on the model up to an operation and print page tables, entry by entry')
    .argument('<file>', 'scenario file, plain or gzip')
    .option('--name <text>', 'the first scenario whose name contains this (default: the first)')
    .option('--at <operation>', 'stop after this operation, counted from 1 (default: the last)', parseCount)
    .option('--proc <number>', 'process of the scenario', parseCount, 0)
    .option('--range <A-B>', 'pages of the window, end exclusive (default: all)', parseRange)
    .option('--arch <name>', 'another architecture than the recorded one')
    .option('--json', 'print the dump as one object')
    .action(async (file: string, options: TablesOptions) => {
      const scenario = await find(file, options.name);
      const machine = runTo(scenario, options);
      const process_ = machine.processes.get(options.proc);
      if (process_ === undefined) {
        const living = [...machine.processes.keys()].join(', ');
        throw new UsageError(`--proc: there is no process ${options.proc} then; there are ${living}`);
      }
      const { start, end } = machine.arena;
      const from = start + (options.range?.start ?? 0);
      const to = options.range === undefined ? end : start + options.range.end;
      const dump = dumpTables(process_.mm.pages, { start: from, end: to });
      process.stdout.write(options.json === true ? `${JSON.stringify(dump)}\n` : `${renderDump(dump)}\n`);
    });
}

async function find(file: string, name: string | undefined): Promise<Scenario> {
  for await (const scenario of readScenarios(file)) {
    if (name === undefined || scenario.header.name.includes(name)) return scenario;
  }
  throw new UsageError(name === undefined ? `${file}: no scenario in it` : `${file}: no scenario named like ${name}`);
}

function runTo(scenario: Scenario, options: TablesOptions): ScenarioMachine {
  const last = options.at ?? scenario.steps.length;
  if (last > scenario.steps.length) {
    throw new UsageError(`--at: ${scenario.header.name} has ${scenario.steps.length} operations, not ${last}`);
  }
  const machine = new ScenarioMachine(scenario, options.arch === undefined ? {} : { arch: options.arch });
  for (const step of scenario.steps.slice(0, last)) perform(machine, step.operation);
  return machine;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw new InvalidArgumentError('A number, 0 or more.');
  return count;
}

function parseRange(text: string): PageInterval {
  const match = /^(\d+)-(\d+)$/.exec(text);
  const [start, end] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || end <= start) throw new InvalidArgumentError('Two page numbers, A-B with A below B.');
  return { start, end };
}
