import { packageProject } from '../../vitest.shared.js';

export default packageProject('mremap', import.meta.url);
