import {
  type Arch,
  type LevelName,
  archByName,
  archNames,
  decodeWord,
  formatWord,
  parseWord,
  renderFields,
  renderWhat,
  wordFields,
} from '@vmakit/pagetable';
import { Command } from 'commander';
import { UsageError } from '../exit-codes.js';

interface DecodeOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `vmakit decode`: what one word of a page table says. */
export function decodeCommand(): Command {
  return new Command('decode')
    .description('Decode one word of a page table, field by field')
    .argument('<arch>', `architecture: ${archNames().slice(0, 5).join(', ')}...`)
    .argument('<level>', 'level of the table: pte, pmd, pud, p4d, pgd')
    .argument('<word>', 'the 64-bit word, 0x... or decimal')
    .option('--all', 'show fields that are zero too')
    .option('--json', 'print what the word says as one object')
    .action((archName: string, level: string, text: string, options: DecodeOptions) => {
      const arch = archOf(archName);
      const levelName = levelOf(arch, level);
      const word = wordOf(text);
      const what = decodeWord(arch, levelName, word);
      if (options.json === true) {
        process.stdout.write(
          `${JSON.stringify({ arch: arch.name, level: levelName, word: formatWord(word), what })}\n`,
        );
        return;
      }
      const fields = renderFields(wordFields(arch, levelName, word), options.all);
      process.stdout.write(`${arch.name} ${levelName} ${formatWord(word)}\n${renderWhat(what)}\n${fields}\n`);
    });
}

function archOf(name: string): Arch {
  try {
    return archByName(name);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function levelOf(arch: Arch, name: string): LevelName {
  const level = arch.levels.find((candidate) => candidate.name === name);
  if (level === undefined) {
    const names = arch.levels.map((candidate) => candidate.name).join(', ');
    throw new UsageError(`level: ${arch.name} has no level ${JSON.stringify(name)}; it has ${names}`);
  }
  return level.name;
}

function wordOf(text: string): bigint {
  try {
    return parseWord(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
