import { packageProject } from '../../vitest.shared.js';

export default packageProject('oracle', import.meta.url);
