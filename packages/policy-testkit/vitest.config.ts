import { packageProject } from '../../vitest.shared.js';

export default packageProject('policy-testkit', import.meta.url);
