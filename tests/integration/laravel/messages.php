<?php

// What a real Laravel makes of a message: started by test_messages.py, which sends JSON and reads JSON.

namespace {
    require 'Illuminate/autoload.php';
}

namespace App\Jobs {
    use Illuminate\Bus\Queueable;
    use Illuminate\Contracts\Queue\ShouldBeEncrypted;
    use Illuminate\Contracts\Queue\ShouldQueue;
    use Illuminate\Queue\InteractsWithQueue;
    use Illuminate\Queue\SerializesModels;

    class BaseJob implements ShouldQueue
    {
        use InteractsWithQueue, Queueable, SerializesModels;

        protected $taskData;

        public function __construct(array $taskData)
        {
            $this->taskData = $taskData;
        }

        public function data()
        {
            return $this->taskData;
        }
    }

    class FaceProcessJob extends BaseJob
    {
    }

    class ImageProcessJob extends BaseJob
    {
        public $tries = 7;

        public $timeout = 11;

        public function backoff()
        {
            return [1, 5, 9];
        }

        public function retryUntil()
        {
            return new \DateTime('@1893553445');
        }
    }

    class SecretJob extends BaseJob implements ShouldBeEncrypted
    {
        public $maxExceptions = 2;

        public $failOnTimeout = true;
    }

    class PlainClassJob implements ShouldQueue
    {
        use Queueable;

        private $taskData;

        public function __construct(array $taskData)
        {
            $this->taskData = $taskData;
        }

        public function data()
        {
            return $this->taskData;
        }
    }
}

namespace {
    use Illuminate\Container\Container;
    use Illuminate\Contracts\Encryption\Encrypter as EncrypterContract;
    use Illuminate\Bus\Dispatcher;
    use Illuminate\Encryption\Encrypter;
    use Illuminate\Queue\NullQueue;
    use Laravel\SerializableClosure\SerializableClosure;

    /** Keeps what Laravel would publish: where, when and which body. */
    class Kept extends NullQueue
    {
        public $published = [];

        public function push($job, $data = '', $queue = null)
        {
            return $this->later(0, $job, $data, $queue);
        }

        public function later($delay, $job, $data = '', $queue = null)
        {
            $body = $this->createPayload($job, $queue ?: 'default', $data);
            $this->published[] = ['queue' => $queue ?: 'default', 'delay' => $this->secondsUntil($delay), 'body' => base64_encode($body)];
        }
    }

    $key = str_repeat('k', 32);
    SerializableClosure::setSecretKey($key);
    $encrypter = new Encrypter($key, 'AES-256-CBC');
    $queue = new Kept();
    $container = Container::getInstance();
    $container->instance(EncrypterContract::class, $encrypter);
    $queue->setContainer($container);
    $dispatcher = new Dispatcher($container, fn () => $queue);

    function dispatch($job)
    {
        return $GLOBALS['dispatcher']->dispatch($job);
    }

    /** A job of this class with a chain of the others behind it. */
    function chain(array $classes, array $data, array $options)
    {
        $make = fn ($class) => tap(new ("App\\Jobs\\$class")($data), function ($job) use ($options, $class) {
            foreach ($options['own'][$class] ?? [] as $name => $value) {
                $job->$name = $value;
            }
        });
        $jobs = array_map($make, $classes);
        $first = array_shift($jobs);
        if (isset($options['chainQueue'])) {
            $first->allOnQueue($options['chainQueue']);
        }
        if ($options['catch'] ?? false) {
            $marker = $options['catch'];
            $first->chainCatchCallbacks = [new SerializableClosure(fn ($e) => $marker.$e->getMessage())];
        }

        return $first->chain($jobs);
    }

    /** The job in a body, as CallQueuedHandler gets it. */
    function command(string $body)
    {
        $command = json_decode($body, true)['data']['command'];

        return unserialize(str_starts_with($command, 'O:') ? $command : $GLOBALS['encrypter']->decrypt($command));
    }

    function told($job)
    {
        return [
            'class' => get_class($job),
            'data' => $job->data(),
            'queue' => $job->queue,
            'chained' => count($job->chained ?? []),
            'chainQueue' => $job->chainQueue,
            'caught' => array_map(fn ($callback) => $callback(new Exception('!')), $job->chainCatchCallbacks ?? []),
        ];
    }

    $verbs = [
        // Publish a chain; each job but the first is published by Laravel after the one before it.
        'publish' => function ($ask) use ($queue, $dispatcher) {
            $dispatcher->dispatch(chain($ask['classes'], $ask['data'], $ask['options'] ?? []));
            for ($place = 0; $place < count($queue->published); $place++) {
                command(base64_decode($queue->published[$place]['body']))->dispatchNextJobInChain();
            }

            return $queue->published;
        },
        // What the job of a body says of itself, and the message that follows it.
        'read' => function ($ask) use ($queue) {
            $job = command(base64_decode($ask['body']));
            $told = told($job);
            $job->dispatchNextJobInChain();

            return ['job' => $told, 'next' => $queue->published];
        },
        // For each code: its value serialized, and the key of it as task data.
        'values' => fn ($ask) => array_map(function ($code) {
            $data = eval("return $code;");

            return ['serialized' => base64_encode(serialize($data)), 'md5' => md5((string) json_encode(['class' => 'J'] + $data))];
        }, $ask),
        // Whether unserialize() takes the text, too; and the same value written again.
        'accepts' => fn ($ask) => array_map(function ($text) {
            $text = base64_decode($text);
            $value = @unserialize($text, ['allowed_classes' => false]);

            return $value !== false || $text === 'b:0;' ? base64_encode(serialize($value)) : null;
        }, $ask),
        'encrypt' => fn ($ask) => array_map(fn ($text) => $encrypter->encrypt($text), $ask),
        'decrypt' => fn ($ask) => array_map(fn ($text) => $encrypter->decrypt($text), $ask),
        // For each code of a delay: it serialized, and the seconds that Laravel counts from a moment set still.
        'delays' => function ($ask) use ($queue) {
            Illuminate\Support\Carbon::setTestNow(Illuminate\Support\Carbon::createFromTimestampUTC($ask['now']));

            return array_map(function ($code) use ($queue) {
                $delay = eval("return $code;");
                $serialized = base64_encode(serialize($delay));
                $queue->published = [];
                $queue->later($delay, new App\Jobs\FaceProcessJob([]));

                return ['serialized' => $serialized, 'seconds' => $queue->published[0]['delay']];
            }, $ask['delays']);
        },
    ];

    $ask = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);
    echo json_encode($verbs[$argv[1]]($ask), JSON_THROW_ON_ERROR);
}
