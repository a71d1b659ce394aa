"""RabbitMQ as Laravel's queue driver uses it: one connection that comes back, deliveries, publishes that are confirmed."""
