-- One row per connection x post.
{{ changed_keys({'sns.posts': source('sns', 'posts')}, ['connection', 'post_id']) }}
