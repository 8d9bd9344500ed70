import { packageProject } from '../../vitest.shared.js';

export default packageProject('kernel', import.meta.url);
