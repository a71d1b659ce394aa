"""What Laravel's own variables say about its database, cache, Redis and RabbitMQ."""
