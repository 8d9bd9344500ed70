export { type MapOptions, Scene, type SceneOptions } from './scene.js';
