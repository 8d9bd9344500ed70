import { packageProject } from '../../vitest.shared.js';

export default packageProject('report', import.meta.url);
