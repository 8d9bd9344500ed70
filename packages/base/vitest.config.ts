import { packageProject } from '../../vitest.shared.js';

export default packageProject('base', import.meta.url);
