import { packageProject } from '../../vitest.shared.js';

export default packageProject('cli', import.meta.url);
