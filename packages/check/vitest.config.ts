import { packageProject } from '../../vitest.shared.js';

export default packageProject('check', import.meta.url);
