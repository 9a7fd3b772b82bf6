// Lets a pyramid of boxes fall and a ball roll into it.
#include <box2d/box2d.h>

#include <cstdio>

int main() {
    b2World world(b2Vec2(0.0f, -10.0f));
    world.SetAllowSleeping(false);
    b2BodyDef still;
    b2Body *ground = world.CreateBody(&still);
    b2PolygonShape floor;
    floor.SetAsBox(60.0f, 1.0f, b2Vec2(0.0f, -1.0f), 0.0f);
    ground->CreateFixture(&floor, 0.0f);
    b2PolygonShape box;
    box.SetAsBox(0.5f, 0.5f);
    b2BodyDef moving;
    moving.type = b2_dynamicBody;
    b2Body *last = nullptr;
    for (int row = 0; row < 16; row++)
        for (int column = row; column < 16; column++) {
            moving.position.Set(1.125f * (static_cast<float>(column) - 0.5f * static_cast<float>(row) - 8.0f), 0.75f + 1.05f * static_cast<float>(row));
            last = world.CreateBody(&moving);
            last->CreateFixture(&box, 5.0f);
        }
    b2CircleShape round;
    round.m_radius = 1.0f;
    moving.position.Set(-30.0f, 1.0f);
    b2Body *ball = world.CreateBody(&moving);
    ball->CreateFixture(&round, 20.0f);
    ball->SetLinearVelocity(b2Vec2(25.0f, 2.0f));
    for (int step = 1; step <= 4000; step++) {
        world.Step(1.0f / 60.0f, 8, 3);
        if (step % 1000 == 0)
            std::printf("%d: %d contacts, top (%.4f, %.4f), ball (%.4f, %.4f)\n", step, world.GetContactCount(), last->GetPosition().x,
                        last->GetPosition().y, ball->GetPosition().x, ball->GetPosition().y);
    }
    return 0;
}
