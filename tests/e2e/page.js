// SPDX-License-Identifier: Apache-2.0
// Runs inside the page of the real viewer (`window.viewer` is global in its bundle). Chunk states and the layout of the statistics are
// those of Neuroglancer 2.41, chunk_manager/base.ts.
window.ngforge = (() => {
  const STATES = ['gpu', 'sysmem', 'sysmemWorker', 'downloading', 'queued', 'new', 'failed', 'expired'];
  const TIERS = 3, NUMBERS = 3;
  const text = (x) => {
    if (x === null || x === undefined) return 'nothing';
    if (typeof x === 'object' && typeof x.key === 'bigint') return x.key.toString();  // a segment with a label
    if (Array.isArray(x) || ArrayBuffer.isView(x)) return Array.from(x, text).join(',');
    return x.toString();
  };
  const reason = (e) => { const parts = []; for (let c = e; c && parts.length < 6; c = c.cause) parts.push(c.message ?? String(c)); return parts.join(' <- '); };

  // What the viewer is doing, and everything that it complains of.
  async function probe() {
    const v = window.viewer;
    if (!v?.layerManager) return { started: false, problems: [] };
    const totals = {};
    for (const numbers of (await v.chunkQueueManager.getStatistics()).values())
      STATES.forEach((name, state) => { for (let tier = 0; tier < TIERS; ++tier) totals[name] = (totals[name] ?? 0) + numbers[(state * TIERS + tier) * NUMBERS]; });
    const visible = { pending: 0 };
    for (const numbers of (await v.chunkQueueManager.getStatistics()).values())
      for (const state of [3, 4, 5]) visible.pending += numbers[state * TIERS * NUMBERS];
    const problems = [];
    if (totals.failed > 0) problems.push(`${totals.failed} chunks failed`);
    let loading = 0;
    for (const managed of v.layerManager.managedLayers) {
      const layer = managed.layer;
      if (!layer) { loading += 1; continue; }
      for (const source of layer.dataSources) {
        if (source.loadState === undefined) loading += 1;
        else if (source.loadState.error !== undefined) problems.push(`${managed.name}: ${source.spec.url}: ${reason(source.loadState.error)}`);
      }
      for (const messages of [layer.messages, ...layer.renderLayers.map((r) => r.messages)])
        for (const m of messages ?? []) if (m.severity === 2) problems.push(`${managed.name}: ${m.message}`);
      const shader = (layer.shaderError ?? layer.displayState?.shaderError)?.value;
      if (shader) problems.push(`${managed.name}: shader: ${reason(shader)}`);
    }
    let ready = false;
    try { ready = v.isReady(); } catch (e) { problems.push(reason(e)); }
    return { started: true, ready: ready && loading === 0 && visible.pending === 0, layers: v.layerManager.managedLayers.length, chunks: totals, problems };
  }

  // The voxel of a layer under a global position, as the hover display shows it.
  function valueAt(name, position) {
    const managed = window.viewer.layerManager.managedLayers.find((m) => m.name === name);
    if (!managed?.layer) return `no layer ${name}`;
    try { return text(managed.layer.getValueAt(Float32Array.from(position), { pickedRenderLayer: null })); } catch (e) { return 'error: ' + reason(e); }
  }

  function look(position, scale, projection) {
    window.viewer.navigationState.position.value = Float32Array.from(position);
    window.viewer.crossSectionScale.value = scale;
    if (projection) window.viewer.projectionScale.value = projection;
  }

  function perspective() {
    const panel = [...window.viewer.display.panels].find((p) => p.visible && p.sliceViews);
    const { element } = panel, outer = element.getBoundingClientRect();
    return { panel, x: outer.left + element.clientLeft, y: outer.top + element.clientTop, width: element.clientWidth, height: element.clientHeight };
  }

  // Where the 3-D panel is on the page.
  function panelBox() {
    const { x, y, width, height } = perspective();
    return [x, y, width, height];
  }

  // The global positions on the near and the far plane under points of the page.
  function rays(points) {
    const { panel, x, y, width, height } = perspective(), m = panel.projectionParameters.value.invViewProjectionMat;
    return points.map(([px, py]) => [-1, 1].map((depth) => {
      const clip = [2 * (px - x) / width - 1, 1 - 2 * (py - y) / height, depth, 1];
      const [a, b, c, w] = [0, 1, 2, 3].map((row) => clip.reduce((sum, value, column) => sum + m[4 * column + row] * value, 0));
      return [a / w, b / w, c / w];
    }));
  }

  // What the viewer says is under the mouse, which has been moved there.
  function picked() {
    const mouse = window.viewer.mouseState;
    window.viewer.display.draw();
    mouse.updateUnconditionally();
    if (!mouse.active || !mouse.pickedRenderLayer) return null;
    return [mouse.pickedRenderLayer.userLayer.managedLayer.name, text(mouse.pickedValue), Array.from(mouse.position)];
  }

  // Levels of detail of which fragments are in the graphics card's memory. Keys of fragments of such meshes: mesh/multiscale.ts.
  function meshLevels(name) {
    const { layer } = window.viewer.layerManager.managedLayers.find((m) => m.name === name);
    const levels = new Set();
    for (const { source } of layer.renderLayers)
      for (const [key, chunk] of source?.fragmentSource?.chunks ?? [])
        if (STATES[chunk.state] === 'gpu') levels.add(Number(/(?:\/(\d+):\d+)?$/.exec(key)[1] ?? 0));
    return [...levels].sort();
  }
  return { probe, valueAt, look, panelBox, rays, picked, meshLevels };
})();
