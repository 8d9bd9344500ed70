export { largeFolio } from './large-folio.js';
