import { layerRules } from './tools/lib/layer-rules.mjs';
import { root } from './tools/lib/workspace.mjs';

export default layerRules(root);
