import { type Context, Hono } from 'hono';
import { MONITORING_PATHS } from '../api/index.ts';
import type { ControlPlane } from './control-plane.ts';

/** What those that watch from outside may see. */
export type MonitoringPlane = Pick<ControlPlane, 'health' | 'metrics'>;

/**
 * Metrics and health, for what looks at them again and again. Nothing of it changes anything.
 *
 * @param isOpen Whether anybody may ask: then texts are left out, which may be a guest's or name what was in a message.
 */
export function createMonitoringApp(plane: MonitoringPlane, isOpen: boolean): Hono {
  const app = new Hono();
  const health = (holds: (health: ReturnType<MonitoringPlane['health']>) => boolean) => (context: Context) => {
    const info = plane.health();
    const shown = isOpen ? { ...info, reasons: info.reasons.map(({ text: _, ...reason }) => reason) } : info;
    return context.json(shown, holds(info) ? 200 : 503, { 'cache-control': 'no-store' });
  };
  app.get(MONITORING_PATHS.metrics, async (context) => {
    const { contentType, text } = await plane.metrics(context.req.header('accept'));
    return context.body(text, 200, { 'content-type': contentType });
  });
  app.get(
    MONITORING_PATHS.health,
    health(({ status }) => status !== 'unhealthy'),
  );
  app.get(
    MONITORING_PATHS.live,
    health(({ live }) => live),
  );
  app.get(
    MONITORING_PATHS.ready,
    health(({ ready }) => ready),
  );
  return app;
}
