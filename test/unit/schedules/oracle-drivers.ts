/** What must be true of drivers that are added to an integration, and of the policies that they share with it. */
import { integrationView } from '../../../src/domain/api/view.ts';
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { hasAccess, isOnBucketOf, roleOf, rulesIn, rulesOfRole } from './access-rules.ts';
import type { Simulation } from './simulation.ts';
import { defaultVersionOf } from './world-policies.ts';

export function readyDriverViolations(simulation: Simulation, driver: JournalRecord): string[] {
  const { aws, platform, journal } = simulation;
  const { id: driverId, request, parent } = driver;
  const integration = journal.record(parent?.integrationId ?? '');
  // It was left out where an integration could not be removed, whose residue names it.
  const left = integration?.status === 'residue' ? integrationView(integration).drivers : undefined;
  if (left?.some((each) => each.driverId === driverId)) return [];
  const bucket = aws.buckets.get(request.bucket.name);
  const drivers = [...platform.drivers.values()].filter(({ maker }) => maker === driverId);
  const isAsPromised =
    integration?.status === 'ready' &&
    integration.addedBuckets?.[driverId]?.placedIn !== undefined &&
    bucket?.maker === driverId &&
    ['public', 'ownership', 'encryption', 'cors'].every((setting) => bucket.settings[setting]) &&
    drivers.length === 1 &&
    drivers[0]?.integrationId === integration.resources.dataloopIntegration?.id &&
    hasAccess(driver, rulesOfRole(simulation, roleOf(simulation, integration)));
  return isAsPromised ? [] : [`${driverId} is ready, but not as promised`];
}

const isGone = ({ status }: JournalRecord) => status === 'failed' || status === 'removed';

/** Who may be granted a bucket, and who must be. */
export function accessViolations(simulation: Simulation, wasTampered: boolean): string[] {
  const { aws, journal } = simulation;
  const found: string[] = [];
  for (const integration of journal.records()) {
    const { id: integrationId, status } = integration;
    const drivers = journal.drivers().filter(({ parent }) => parent?.integrationId === integrationId);
    const own = [...aws.policies.values()].filter(({ maker }) => maker === integrationId);
    const granted = own.flatMap((policy) => rulesIn(defaultVersionOf(policy).document));
    for (const driver of drivers.filter(isGone)) {
      const isOn = isOnBucketOf(driver);
      const others = [integration, ...drivers].filter((other) => !isGone(other) && other !== driver);
      const isNeeded = others.some(({ request }) => request.bucket.name === driver.request.bucket.name);
      // Of an integration that could not be removed, policies and role are its residue, and named with it.
      if (status === 'ready' && !isNeeded && granted.some(isOn))
        found.push(`${driver.id} is gone and has access`);
    }
    for (const driver of drivers) {
      const isKnown = integration.addedBuckets?.[driver.id] !== undefined;
      if (isKnown === isGone(driver)) {
        found.push(`${driver.id} is ${driver.status}, its integration ${isKnown ? 'knows' : 'forgets'} it`);
      }
    }
    if (integration.accessLock && integration.accessLock.until > simulation.clock.now()) {
      found.push(`the policies of ${integrationId} are locked`);
    }
    const isLost = !hasAccess(integration, rulesOfRole(simulation, roleOf(simulation, integration)));
    if (status === 'ready' && !wasTampered && isLost) found.push(`${integrationId} has lost its access`);
  }
  return found;
}
