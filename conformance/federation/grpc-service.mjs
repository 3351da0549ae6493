// A gRPC service with server reflection, made with grpc-js: "node grpc-service.mjs PORT".

import { join } from 'node:path';

import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

const definition = loadSync(join(import.meta.dirname, 'shop.proto'), { longs: String, enums: String, oneofs: true });
const { shop } = grpc.loadPackageDefinition(definition);
const item = id => ({ itemId: id, name: `item ${id}` });

const server = new grpc.Server();
server.addService(shop.v1.Shop.service, {
    getItem: ({ request }, answer) => answer(null, item(request.itemId)),
    listItems: (_, answer) => answer(null, { items: [item(1), item(2)] }),
    watch: call => {
        for (let id = 1; id <= call.request.count; id++) {
            call.write(item(id));
        }
        call.end();
    }
});
server.addService(shop.v1.Till.service, {
    pay: ({ request }, answer) => answer(null, { cents: request.cents, by: request.by ?? '' })
});
new ReflectionService(definition).addToServer(server);
server.bindAsync(`127.0.0.1:${process.argv[2]}`, grpc.ServerCredentials.createInsecure(), error => {
    if (error) {
        console.error(error);
        process.exit(1);
    }
    console.log('ready');
});
