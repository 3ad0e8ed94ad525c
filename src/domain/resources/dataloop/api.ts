/** Dataloop's API, as far as this service calls it. A function takes the calls that it makes: `Pick<DataloopApi, …>`. */

/** What Dataloop says of a cross-account integration. */
export interface DataloopIntegration {
  readonly id: string;
  readonly name: string;
  /** `aws-cross`: cross-account. */
  readonly type?: string | undefined;
  /** The IAM user that Dataloop issued; may be absent at first. */
  readonly userArn: string | undefined;
  /** {@link trustEstablished} once Dataloop has assumed the role; any other value means not yet. */
  readonly trustStatus: string | undefined;
}

/** What Dataloop says of an integration once it has assumed its role; any other value means not yet. */
export const trustEstablished = 'trust-established';
/** What it says of one that has got no role yet; with any other value it is not free. */
export const waitingForTrust = 'waiting-trust';

/** A storage driver as it is to be. */
export interface DriverSettings {
  readonly name: string;
  readonly dataloopIntegrationId: string;
  readonly projectId: string;
  readonly bucketName: string;
  readonly region: string;
  /** Folder in the bucket without slashes at its ends; empty: the whole bucket. */
  readonly path: string;
  readonly allowExternalDelete: boolean;
}

export interface Driver {
  readonly id: string;
  readonly name: string;
  readonly dataloopIntegrationId: string | undefined;
  readonly projectId?: string | undefined;
  /** Its settings, as far as Dataloop tells them. */
  readonly bucketName?: string | undefined;
  readonly region?: string | undefined;
  readonly path?: string | undefined;
  readonly allowExternalDelete?: boolean | undefined;
}

/**
 * What in a list is the caller's concern: by its id, or by all else that is given. Where Dataloop shows one of these in a
 * way that cannot be read, that is an error. Others are as they are, and one that cannot be read is left out.
 */
export interface Concern {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  /** Of drivers: the integration that they are on. */
  readonly dataloopIntegrationId?: string | undefined;
}

export interface Dataset {
  readonly id: string;
  readonly name: string;
  /** Undefined: Dataloop's own storage. */
  readonly driverId: string | undefined;
}

/** A command of Dataloop's that syncs a dataset. */
export interface SyncCommand {
  /** Undefined where Dataloop does not name it. */
  readonly id: string | undefined;
  readonly status: 'running' | 'succeeded' | 'failed';
  /** Dataloop's words about a failure. */
  readonly reason: string;
}

export interface DataloopApi {
  /** @throws ServiceError `DataloopNotFoundError` when the project is not there or not visible */
  getProject(
    projectId: string,
  ): Promise<{ readonly id: string; readonly organizationId: string | undefined }>;
  getIntegration(
    organizationId: string,
    dataloopIntegrationId: string,
  ): Promise<DataloopIntegration | undefined>;
  /** The cross-account ones, and whatever has the id of the concern. */
  listIntegrations(organizationId: string, concern?: Concern): Promise<readonly DataloopIntegration[]>;
  /** How many cross-account integrations an organisation has. */
  countIntegrations(organizationId: string): Promise<number>;
  /** @throws ServiceError `EarlierCallOpenError` where Dataloop says that one of this name exists */
  createIntegration(organizationId: string, name: string): Promise<DataloopIntegration>;
  /** @throws ServiceError `TrustNotEstablishedError` where Dataloop does not take the role, or not yet */
  setRoleArn(
    organizationId: string,
    dataloopIntegrationId: string,
    roleArn: string,
  ): Promise<DataloopIntegration>;
  /** One that is gone already counts as deleted. */
  deleteIntegration(organizationId: string, dataloopIntegrationId: string): Promise<void>;
  /** Those for S3, and whatever is on the integration of the concern or has its id. */
  listDrivers(projectId: string, concern?: Concern): Promise<readonly Driver[]>;
  /** Drivers on an integration, in whatever projects, as far as Dataloop tells them. */
  listDriversOf(dataloopIntegrationId: string): Promise<readonly Driver[]>;
  /** @throws ServiceError `DataloopAnswerError` also where a project has more than is read */
  listDatasets(projectId: string): Promise<readonly Dataset[]>;
  /** @throws ServiceError `DatasetNameTakenError` where Dataloop says that one of this name exists */
  createDataset(dataset: Omit<Dataset, 'id'> & { readonly projectId: string }): Promise<Dataset>;
  syncDataset(datasetId: string): Promise<SyncCommand>;
  /** One that Dataloop does not show, or not yet, counts as running. */
  getSyncCommand(commandId: string): Promise<SyncCommand>;
  /** How many files a dataset shows. */
  countItems(datasetId: string): Promise<number>;
  /** One that is gone already counts as deleted. */
  deleteDataset(datasetId: string): Promise<void>;
  /** How many drivers use an integration, in whatever project. */
  countDrivers(dataloopIntegrationId: string): Promise<number>;
  /**
   * Before there is a driver. Where Dataloop has no such test, that of the driver is the proof.
   * @throws ServiceError `DriverTestFailedError` with Dataloop's reason
   */
  testDriver(settings: DriverSettings): Promise<'passed' | 'not offered'>;
  /** @throws ServiceError `DriverNameTakenError` where Dataloop says that one of this name exists */
  createDriver(settings: DriverSettings): Promise<Driver>;
  /** @throws ServiceError `DriverTestFailedError` with Dataloop's reason */
  verifyDriver(driverId: string): Promise<void>;
  /** One that is gone already counts as deleted. */
  deleteDriver(driverId: string): Promise<void>;
}
