import { packageProject } from '../../vitest.shared.js';

export default packageProject('policy-relocate-anon', import.meta.url);
