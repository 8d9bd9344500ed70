import { packageProject } from '../../vitest.shared.js';

export default packageProject('mm', import.meta.url);
