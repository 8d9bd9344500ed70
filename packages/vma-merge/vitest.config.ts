import { packageProject } from '../../vitest.shared.js';

export default packageProject('vma-merge', import.meta.url);
