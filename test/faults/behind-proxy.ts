/** The local environment, with the fault proxy before everything that the deployed service calls. */
import { type LocalEnvironment, startEnvironment } from '../../local/environment/start.ts';
import { FaultProxy } from './proxy/proxy.ts';

interface BehindProxy {
  readonly environment: LocalEnvironment;
  readonly proxy: FaultProxy;
  /** Where the service is to look for Dataloop. */
  readonly dataloopApiUrl: string;
}

/** @param usual what calls meet that no fault strikes */
export async function startBehindProxy(
  options: Omit<Parameters<typeof startEnvironment>[0], 'intercept'>,
  usual: Pick<Parameters<typeof FaultProxy.start>[0], 'usual'> = {},
): Promise<BehindProxy> {
  let proxy: FaultProxy | undefined;
  const environment = await startEnvironment({
    ...options,
    intercept: async ({ emulatorUrl, sandboxUrl }, certificate) => {
      proxy = await FaultProxy.start({
        certificate,
        emulator: { listenPort: 0, targetUrl: emulatorUrl },
        sandbox: { listenPort: 0, targetUrl: sandboxUrl },
        ...usual,
      });
      return { endpointUrl: `https://127.0.0.1:${proxy.emulatorPort}` };
    },
  });
  if (!proxy) throw new Error('The environment was started without the fault proxy.');
  const dataloopApiUrl = new URL(environment.sandbox.apiUrl);
  dataloopApiUrl.port = String(proxy.sandboxPort);
  return { environment, proxy, dataloopApiUrl: dataloopApiUrl.href };
}
