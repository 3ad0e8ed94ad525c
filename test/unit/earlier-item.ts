/** A record as an earlier version kept it, and as full as Dataloop could make it there. */
import { type Item, maximumItemSize, sizeOf } from './schedules/expressions.ts';

const prefix = 'resource_';

/** The item with its resources in one map, as they were before each had an attribute of its own. */
export function asEarlier({ layout: _layout, ...item }: Item): Item {
  const own = Object.entries(item).filter(([name]) => name.startsWith(prefix));
  const others = Object.entries(item).filter(([name]) => !name.startsWith(prefix));
  return {
    ...Object.fromEntries(others),
    resources: Object.fromEntries(own.map(([name, resource]) => [name.slice(prefix.length), resource])),
  };
}

/** Such an item, with so long a name at Dataloop that so many bytes are left. */
export function filledBut(bytes: number, item: Item): Item {
  const earlier = asEarlier(item);
  const resources = Object(earlier['resources']);
  const named = (name: string): Item => ({
    ...earlier,
    resources: { ...resources, dataloopIntegration: { ...resources.dataloopIntegration, name } },
  });
  return named(`\n${'n'.repeat(maximumItemSize - bytes - sizeOf(named('\n')))}`);
}
