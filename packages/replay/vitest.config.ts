import { packageProject } from '../../vitest.shared.js';

export default packageProject('replay', import.meta.url);
