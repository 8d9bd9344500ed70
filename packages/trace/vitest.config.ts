import { packageProject } from '../../vitest.shared.js';

export default packageProject('trace', import.meta.url);
