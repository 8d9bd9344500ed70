import { packageProject } from '../../vitest.shared.js';

export default packageProject('pagetable', import.meta.url);
