import { packageProject } from '../../vitest.shared.js';

export default packageProject('locking', import.meta.url);
