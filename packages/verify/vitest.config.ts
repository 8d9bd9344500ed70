import { packageProject } from '../../vitest.shared.js';

export default packageProject('verify', import.meta.url);
