// Makes the container mongodb a replica set of one, with the platform's user. Repeats harmlessly:
//   mongosh --quiet --nodb mongodb.js
// Reads MONGODB_SERVER (host:port), MONGODB_DATABASE and the passwords from the environment.

const NOT_YET_INITIALIZED = 94;
const WAIT_MILLISECONDS = 60_000;

const server = process.env.MONGODB_SERVER;
const address = `mongodb://${server}/admin?directConnection=true`;
const admin = connect(address, "root", process.env.LOCAL_MONGODB_ROOT_PASSWORD);

try {
  admin.adminCommand({ replSetGetStatus: 1 });
} catch (error) {
  if (error.code !== NOT_YET_INITIALIZED) throw error;
  admin.adminCommand({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: server }] } });
}

const deadline = Date.now() + WAIT_MILLISECONDS;
while (!admin.adminCommand({ hello: 1 }).isWritablePrimary) {
  if (Date.now() > deadline) throw new Error(`${server} did not become primary: look at its log.`);
  sleep(200);
}

const database = process.env.MONGODB_DATABASE;
const user = {
  pwd: process.env.LOCAL_MONGODB_PASSWORD,
  roles: [
    { role: "readWrite", db: database },
    { role: "dbAdmin", db: database },
    { role: "clusterMonitor", db: "admin" },
  ],
};
if (admin.getUser("echotune")) {
  admin.updateUser("echotune", user);
} else {
  admin.createUser({ user: "echotune", ...user });
}
print(`${server} is a replica set, and its user echotune may use the database ${database}.`);
