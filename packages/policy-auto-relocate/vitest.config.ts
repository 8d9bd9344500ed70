import { packageProject } from '../../vitest.shared.js';

export default packageProject('policy-auto-relocate', import.meta.url);
