import { packageProject } from '../../vitest.shared.js';

export default packageProject('policy-large-folio', import.meta.url);
