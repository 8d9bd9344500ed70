import { packageProject } from '../../vitest.shared.js';

export default packageProject('events', import.meta.url);
