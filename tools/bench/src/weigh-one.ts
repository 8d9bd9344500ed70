import { weigh } from './weigh.js';

process.stdout.write(String(weigh(process.argv[2] ?? '')));
