import { packageProject } from '../../vitest.shared.js';

export default packageProject('folio', import.meta.url);
