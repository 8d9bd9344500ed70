import { packageProject } from '../../vitest.shared.js';

export default packageProject('rmap', import.meta.url);
