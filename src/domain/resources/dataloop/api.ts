/** Dataloop's API, as far as this service calls it. A function takes the calls that it makes: `Pick<DataloopApi, …>`. */

/** What Dataloop says of a cross-account integration. */
export interface DataloopIntegration {
  readonly id: string;
  readonly name: string;
  /** `aws-cross`: cross-account. */
  readonly type?: string | undefined;
  /** The IAM user that Dataloop issued; may be absent at first. */
  readonly userArn: string | undefined;
  /** `trust-established` once Dataloop has assumed the role; any other value means not yet. */
  readonly trustStatus: string | undefined;
}

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
  /** Its settings, as far as Dataloop tells them. */
  readonly bucketName?: string | undefined;
  readonly region?: string | undefined;
  readonly path?: string | undefined;
  readonly allowExternalDelete?: boolean | undefined;
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
  listIntegrations(organizationId: string): Promise<readonly DataloopIntegration[]>;
  /** How many cross-account integrations an organisation has. */
  countIntegrations(organizationId: string): Promise<number>;
  createIntegration(organizationId: string, name: string): Promise<DataloopIntegration>;
  setRoleArn(
    organizationId: string,
    dataloopIntegrationId: string,
    roleArn: string,
  ): Promise<DataloopIntegration>;
  /** One that is gone already counts as deleted. */
  deleteIntegration(organizationId: string, dataloopIntegrationId: string): Promise<void>;
  listDrivers(projectId: string): Promise<readonly Driver[]>;
  /** How many drivers use an integration, in whatever project. */
  countDrivers(dataloopIntegrationId: string): Promise<number>;
  /** @throws ServiceError `DriverTestFailedError` with Dataloop's reason */
  testDriver(settings: DriverSettings): Promise<void>;
  createDriver(settings: DriverSettings): Promise<Driver>;
  /** @throws ServiceError `DriverTestFailedError` with Dataloop's reason */
  verifyDriver(driverId: string): Promise<void>;
  /** One that is gone already counts as deleted. */
  deleteDriver(driverId: string): Promise<void>;
}
