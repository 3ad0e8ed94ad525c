import { callsOf } from '../../src/clients/calls.ts';
import { listDrivers } from '../../src/clients/dataloop/client.ts';
import * as datasets from '../../src/clients/dataloop/datasets.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { syncDataset } from '../../src/domain/resources/dataloop/dataset.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(deployedDataloop(), {
  listDrivers,
  listDatasets: datasets.listDatasets,
  syncDataset: datasets.syncDataset,
  getSyncCommand: datasets.getSyncCommand,
  countItems: datasets.countItems,
  deleteDataset: datasets.deleteDataset,
});

/** SyncDataset: Dataloop reads the bucket into the dataset. */
export const handler = provisionStep('SyncDataset', (step) => syncDataset(step, calls));
