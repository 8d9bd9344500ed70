import { SCALE_NAME, buildScale } from './scale.js';
import { weigh } from './weigh.js';

const name = process.argv[2] ?? '';
process.stdout.write(name === SCALE_NAME ? JSON.stringify(buildScale()) : String(weigh(name)));
